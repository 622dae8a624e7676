import { createHmac } from 'node:crypto';
import type { Resolver } from '../template/resolver.ts';

/**
 * Completes the secrets that are attached to a database, as CloudFormation does: with the address of the local PostgreSQL. The secret of
 * the master user gets the user and the password of the address.
 *
 * The password of any other user is computed from that of the master user. So all stacks that use one server agree on it, because a user
 * belongs to the server.
 */
export function attachDatabase(resolver: Resolver, secrets: Map<string, string>, databaseUrl: string): void {
  const { hostname, port, pathname, username, password } = new URL(databaseUrl);
  const owner = { username: decodeURIComponent(username), password: decodeURIComponent(password) };
  const place = { engine: 'postgres', host: hostname, port: Number(port || 5432), dbname: pathname.slice(1) };
  const masters = resolver
    .resourcesOfType('AWS::RDS::DBInstance')
    .map(({ properties }) => properties['MasterUsername']);
  for (const { properties } of resolver.resourcesOfType('AWS::SecretsManager::SecretTargetAttachment')) {
    const arn = String(properties['SecretId']);
    const { username: user } = JSON.parse(secrets.get(arn) ?? '{}') as { username?: string };
    const login = masters.includes(user) ? owner : { username: user, password: derived(owner.password, String(user)) };
    secrets.set(arn, JSON.stringify({ ...place, ...login }));
  }
}

function derived(secret: string, user: string): string {
  return createHmac('sha256', secret).update(user).digest('hex');
}
