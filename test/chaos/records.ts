import { setTimeout as pause } from 'node:timers/promises';
import { chainFaults } from '../harness/checks/chains.ts';
import { lastingChecks, rowFaults } from '../harness/checks/rows.ts';
import { slotFaults, slotHolders } from '../harness/checks/slots.ts';
import { readMovements, stayFaults } from '../harness/checks/stays.ts';
import type { Findings } from './findings.ts';
import type { Room } from './room.ts';
import type { TestBed } from './test-bed.ts';

/**
 * Compares the stores with the true state. Exactly the present users must hold a slot. In the audit trail the joins and leaves of each
 * user must alternate. Redis must have no waiting frames.
 *
 * @param bound how long the release of a slot may take after a lost leave (`limitMillis`), and how long to wait for it (`waitMillis`).
 * After a shorter wait such a slot is counted and is no violation.
 */
export async function checkRecords(
  testBed: TestBed,
  rooms: Room[],
  findings: Findings,
  { limitMillis, waitMillis }: { limitMillis: number; waitMillis: number },
): Promise<void> {
  for (const room of rooms) {
    for (const key of ['pending', 'changes']) {
      const waits = await testBed.redis.exists(`presence:${key}:{${room.sessionId}}`);
      if (waits > 0) findings.violated('DE3', `a frame still waits in ${key} of ${room.sessionId}`);
    }
  }
  const begun = Date.now();
  let wrong = await wrongSlots(testBed, rooms);
  while (wrong.length > 0 && Date.now() < begun + waitMillis) {
    await pause(1000);
    wrong = await wrongSlots(testBed, rooms);
  }
  findings.longest('slots until right', Date.now() - begun);
  if (waitMillis < limitMillis) findings.count('slots that may still be given back', wrong.length);
  else for (const sentence of wrong) findings.violated('slots', sentence);
  for (const sentence of await brokenTrails(testBed, rooms)) findings.violated('PR9', sentence);
  for (const sentence of await chainFaults(testBed.database)) findings.violated('chain', sentence);
  for (const sentence of await rowFaults(testBed.database, lastingChecks)) findings.violated('rows', sentence);
}

async function wrongSlots({ database }: TestBed, rooms: Room[]): Promise<string[]> {
  const holders = await slotHolders(database, idsOf(rooms));
  return rooms.flatMap(({ sessionId, people }) => {
    const present = people.filter((person) => person.solidTab(Date.now())).map((person) => person.userId);
    return slotFaults({ sessionId, holders: holders.get(sessionId)!, present });
  });
}

/** Entries may still wait in the outbox. So only two joins or two leaves in a row prove a fault. */
async function brokenTrails({ database }: TestBed, rooms: Room[]): Promise<string[]> {
  const faults = stayFaults(await readMovements(database, idsOf(rooms)));
  return faults.filter(({ kind }) => kind === 'alternation').map(({ sentence }) => sentence);
}

const idsOf = (rooms: readonly Room[]) => rooms.map(({ sessionId }) => sessionId);
