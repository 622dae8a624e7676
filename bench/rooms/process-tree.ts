import { readdir, readFile } from 'node:fs/promises';

interface Process {
  parent: number;
  /** CPU time of all its threads and of its ended children, in ticks. */
  ticks: number;
}

/** The unit of CPU times in `/proc` on Linux: hundredths of a second. */
const ticksPerSecond = 100;

/**
 * All processes of the machine. The fields of `/proc/<pid>/stat` are counted from the end of the name, because the name
 * may contain spaces.
 */
async function processes(): Promise<Map<number, Process>> {
  const found = new Map<number, Process>();
  const names = (await readdir('/proc')).filter((name) => /^\d+$/.test(name));
  await Promise.all(
    names.map(async (name) => {
      // A process may end while the list is read.
      const stat = await readFile(`/proc/${name}/stat`, 'utf8').catch(() => '');
      const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
      if (fields.length < 15) return;
      const ticks = [11, 12, 13, 14].reduce((sum, index) => sum + Number(fields[index]), 0);
      found.set(Number(name), { parent: Number(fields[1]), ticks });
    }),
  );
  return found;
}

/** A process and all its descendants. */
export async function treeOf(root: number): Promise<number[]> {
  return descendants(root, await processes());
}

function descendants(root: number, all: Map<number, Process>): number[] {
  const children = [...all].filter(([, { parent }]) => parent === root).map(([pid]) => pid);
  return [root, ...children.flatMap((pid) => descendants(pid, all))];
}

/** CPU seconds that a process and all its descendants have used so far. */
export async function cpuSecondsOf(root: number): Promise<number> {
  const all = await processes();
  const ticks = descendants(root, all).reduce((sum, pid) => sum + (all.get(pid)?.ticks ?? 0), 0);
  return ticks / ticksPerSecond;
}
