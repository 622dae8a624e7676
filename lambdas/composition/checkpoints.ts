import { CheckpointReader } from '../activity/checkpoint-reader.ts';
import { database } from '../platform/database.ts';
import { once } from '../platform/once.ts';

/** The checkpoints of the audit trail, for functions that read them. */
export const checkpoints = once(() => new CheckpointReader(database()));
