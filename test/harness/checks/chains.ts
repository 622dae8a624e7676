import type { Pool } from 'pg';
import { ChainVerifier } from '../../../lambdas/activity/chain-verifier.ts';
import { createLogger } from '../../support/activity-logger.ts';

/** The hash chains of the audit trail that have a broken link, a sentence each. */
export async function chainFaults(database: Pool): Promise<string[]> {
  const logger = createLogger({ pool: database });
  const faults: string[] = [];
  for (const sessionId of await new ChainVerifier(database).sessionIds()) {
    const { valid, broken } = await logger.verifyChain(sessionId);
    if (!valid) faults.push(`the chain of ${sessionId} is broken: ${JSON.stringify(broken)}`);
  }
  return faults;
}
