import { isIP } from 'node:net';
import { isPublicAddress } from './public-address.ts';

const longestUrl = 2048;

/**
 * What is wrong with the address of an endpoint; undefined if nothing is. The name of a host is resolved only at a delivery, because it
 * may lead elsewhere by then.
 *
 * @param anyTarget whether HTTP and private addresses are accepted, for development on one machine.
 * @returns the rest of a sentence that begins with the address.
 */
export function targetProblem(url: string, anyTarget: boolean): string | undefined {
  if (url.length > longestUrl) return `has at most ${longestUrl} characters`;
  if (!URL.canParse(url)) return 'must be a URL such as https://example.com/webhooks';
  const { protocol, username, password, hash, hostname } = new URL(url);
  if (protocol !== 'https:' && !(anyTarget && protocol === 'http:')) return 'must begin with https://';
  if (username !== '' || password !== '') return 'must not contain a user name or a password';
  if (hash !== '') return 'must not contain a fragment';
  if (!anyTarget && isPrivateHost(hostname)) return 'must lead to a host on the internet';
  return undefined;
}

/** Whether the host of a URL is an address that is not public, or a name that only a local network has. */
function isPrivateHost(hostname: string): boolean {
  const address = hostname.replace(/^\[|\]$/g, '');
  if (isIP(address) !== 0) return !isPublicAddress(address);
  const name = hostname.replace(/\.$/, '');
  return !name.includes('.') || /\.(localhost|local|internal|lan|home\.arpa)$/.test(name);
}

/** Whether the setting of the stack accepts any target. Only a stack on one machine has `any`. */
export function acceptsAnyTarget(setting: string | undefined): boolean {
  return setting === 'any';
}
