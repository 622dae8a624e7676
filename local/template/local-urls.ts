import { localAccount } from './local-account.ts';
import type { StackDefinition } from './stack-definition.ts';

/** Returns a function that replaces the stack's URLs on AWS by the local ones and keeps other text unchanged. */
export function localUrls({ webSocketApi, httpApi }: StackDefinition, port: number): (text: string) => string {
  const ids = [webSocketApi.id, httpApi?.id].filter((id) => id !== undefined);
  const suffix = `execute-api.${localAccount.region}.${localAccount.urlSuffix}`.replaceAll('.', '\\.');
  const pattern = new RegExp(`\\b(https|wss)://(?:${ids.join('|')})\\.${suffix}`, 'g');
  return (text) =>
    text.replace(pattern, (_, scheme: string) => `${scheme === 'wss' ? 'ws' : 'http'}://127.0.0.1:${port}`);
}
