import { place } from './place.ts';
import type { StackDefinition } from './stack-definition.ts';

/** A function that turns the stack's own URLs on AWS into those of this machine, and leaves other text alone. */
export function localUrls({ webSocketApi, httpApi }: StackDefinition, port: number): (text: string) => string {
  const ids = [webSocketApi.id, httpApi?.id].filter((id) => id !== undefined);
  const suffix = `execute-api.${place.region}.${place.urlSuffix}`.replaceAll('.', '\\.');
  const pattern = new RegExp(`\\b(https|wss)://(?:${ids.join('|')})\\.${suffix}`, 'g');
  return (text) =>
    text.replace(pattern, (_, scheme: string) => `${scheme === 'wss' ? 'ws' : 'http'}://127.0.0.1:${port}`);
}
