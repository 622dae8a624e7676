import { createPublicKey } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import type { Checkpoint, CheckpointProof } from '../../client/verify/index.ts';

/** Reads checkpoints that were saved from `GET /checkpoints`: pages, arrays, or one object on each line. */
export function readCheckpoints(file: string): Promise<Checkpoint[]> {
  return readItems(file, 'root', 'checkpoints; save the answer of GET /checkpoints');
}

/** Reads proofs that were saved from `GET /sessions/{id}/checkpoints`. */
export function readProofs(file: string): Promise<CheckpointProof[]> {
  return readItems(file, 'path', 'proofs; save the answer of GET /sessions/{id}/checkpoints');
}

/** Reads a public key (PEM, or DER in base64) and returns it as base64 of its SubjectPublicKeyInfo. */
export async function readPublicKey(file: string): Promise<string> {
  const text = (await readFile(file, 'utf8')).trim();
  try {
    const key = text.startsWith('-----')
      ? createPublicKey(text)
      : createPublicKey({ key: Buffer.from(text, 'base64'), format: 'der', type: 'spki' });
    return key.export({ type: 'spki', format: 'der' }).toString('base64');
  } catch {
    throw new Error(`The file ${file} has no public key; save it with "aws kms get-public-key".`);
  }
}

async function readItems<T>(file: string, field: string, hint: string): Promise<T[]> {
  const text = await readFile(file, 'utf8');
  try {
    const items = itemsOf(valuesOf(text));
    if (items.every((item) => typeof item === 'object' && item !== null && field in item)) return items as T[];
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
  }
  throw new Error(`The file ${file} has no ${hint}.`);
}

function valuesOf(text: string): unknown[] {
  try {
    return [JSON.parse(text)];
  } catch {
    return text
      .split('\n')
      .filter((line) => line.trim() !== '')
      .map((line) => JSON.parse(line));
  }
}

function itemsOf(values: unknown[]): unknown[] {
  return values.flatMap((value) => {
    if (Array.isArray(value)) return itemsOf(value);
    const page = value as { items?: unknown[] } | null;
    return Array.isArray(page?.items) ? itemsOf(page.items) : [value];
  });
}
