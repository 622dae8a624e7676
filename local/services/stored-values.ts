import { readFile, writeFile } from 'node:fs/promises';

/** Reads texts by name from a file; none if the file does not exist. */
export async function readStored(file: string): Promise<Record<string, string>> {
  const text = await readFile(file, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return '{}';
    throw error;
  });
  try {
    return JSON.parse(text) as Record<string, string>;
  } catch (error) {
    throw new Error(`${file} is damaged; remove it, or start with --fresh.`, { cause: error });
  }
}

/** Writes texts by name into a file that only its owner can read. */
export async function writeStored(file: string, values: Record<string, string>): Promise<void> {
  await writeFile(file, JSON.stringify(values, null, 2), { mode: 0o600 });
}
