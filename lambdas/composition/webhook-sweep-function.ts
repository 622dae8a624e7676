import { environmentNames } from '../platform/environment.ts';

/** The name of the function that sends webhooks; undefined for functions that may not start it. */
export const webhookSweepFunction = () => process.env[environmentNames.webhookSweepFunction];
