/**
 * Takes the place of `@aws-sdk/credential-provider-node` in the bundles (`lib/bundle.ts`). Lambda puts the credentials of a
 * function into its environment, so the clients of the AWS SDK need none of the other sources, which have 150 KB of code.
 */
export { fromEnv as defaultProvider } from '@aws-sdk/credential-provider-env';
