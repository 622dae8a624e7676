import type { ManagingParts } from '../flows/webhooks/manage-endpoints.ts';
import { database } from '../platform/database.ts';
import { environmentNames } from '../platform/environment.ts';
import { once } from '../platform/once.ts';
import { EndpointStore } from '../webhooks/endpoint-store.ts';
import { acceptsAnyTarget } from '../webhooks/webhook-target.ts';
import { webhookSecrets } from './webhook-secrets.ts';

/** The endpoints of webhooks, for the HTTP API. */
export const webhookEndpoints = once(
  (): ManagingParts => ({
    endpoints: new EndpointStore(database(), webhookSecrets(), () => Date.now()),
    anyTarget: acceptsAnyTarget(process.env[environmentNames.webhookTargets]),
  }),
);
