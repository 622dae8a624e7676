import { readdir, readFile } from 'node:fs/promises';

interface Process {
  parent: number;
  /** CPU time of all its threads and of the children it has waited for, in ticks. */
  ticks: number;
}

/** Linux counts CPU time in hundredths of a second here, whatever the kernel's own clock. */
const ticksPerSecond = 100;

/** Every process of the machine. Fields of `/proc/<pid>/stat` are counted from behind the name, which may hold spaces. */
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

/** A process with everything that descends from it. */
export async function treeOf(root: number): Promise<number[]> {
  return descendants(root, await processes());
}

function descendants(root: number, all: Map<number, Process>): number[] {
  const children = [...all].filter(([, { parent }]) => parent === root).map(([pid]) => pid);
  return [root, ...children.flatMap((pid) => descendants(pid, all))];
}

/** CPU seconds that a process and everything that descends from it have used so far. */
export async function cpuSecondsOf(root: number): Promise<number> {
  const all = await processes();
  const ticks = descendants(root, all).reduce((sum, pid) => sum + (all.get(pid)?.ticks ?? 0), 0);
  return ticks / ticksPerSecond;
}
