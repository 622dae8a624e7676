import { chainFaults } from '../harness/checks/chains.ts';
import { rowFaults } from '../harness/checks/rows.ts';
import { missingFacts } from './acknowledged.ts';
import type { Aftermath } from './campaign.ts';
import { decisionFaults } from './decision-faults.ts';
import { frameFaults } from './frame-faults.ts';
import { lifecycleFaults } from './lifecycle-faults.ts';
import { absenceFaults } from './rest.ts';
import { trailFaults } from './trail-faults.ts';

/** All violations after a campaign, one sentence each; empty if there are none. */
export async function faultsOf(left: Aftermath): Promise<string[]> {
  const { database, redis } = left;
  const faults = [...left.seen, ...left.bugs, ...(await rowFaults(database))];
  faults.push(...(await missingFacts(left)), ...(await lifecycleFaults(left)), ...(await trailFaults(left)));
  faults.push(...(await decisionFaults(left)));
  faults.push(...frameFaults(left), ...(await chainFaults(database)), ...(await absenceFaults(database, redis)));
  return faults;
}
