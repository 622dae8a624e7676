import { KMSClient } from '@aws-sdk/client-kms';
import { dependencyTimeoutMillis } from '../../protocol/timings.ts';
import { CheckpointMaker } from '../activity/checkpoint-maker.ts';
import { KmsSigner } from '../activity/checkpoint-signer.ts';
import { sweepDatabase } from '../platform/database.ts';
import { environmentNames } from '../platform/environment.ts';
import { once, required } from '../platform/once.ts';
import { timings } from '../platform/timings.ts';

/** Makes the checkpoints of the audit trail. Only one function uses it, because only that function may use the key. */
export const checkpointMaker = once(() => {
  const client = new KMSClient({
    maxAttempts: 2,
    requestHandler: { requestTimeout: dependencyTimeoutMillis, throwOnRequestTimeout: true },
  });
  return new CheckpointMaker({
    pool: sweepDatabase(),
    signer: new KmsSigner(client, required(environmentNames.checkpointKeyArn)),
    clock: () => Date.now(),
    retentionMillis: timings.activityRetentionMillis,
  });
});
