import leven from 'leven';
import { readTimings, settingNames } from './timings.ts';

/** Sizes of a deployment; `ROLLCALL_ENVIRONMENT` chooses one. */
export const environments = ['dev', 'prod'] as const;
export const logLevels = ['TRACE', 'DEBUG', 'INFO', 'WARN', 'ERROR', 'CRITICAL', 'SILENT'] as const;

/** Settings of the synthesis that are not durations or numbers. */
export const identitySettings = ['JWT_ISSUER', 'JWT_AUDIENCE', 'JWKS_URI'] as const;
/** Whether the stack sets the account's role for the logs of API Gateway, or uses the one that is there. */
export const accountLogRoles = ['create', 'existing'] as const;
const namedSettings = [
  ...identitySettings,
  'JWT_ACCESS_CLAIM',
  'LOG_LEVEL',
  'ROLLCALL_ENVIRONMENT',
  'ACCOUNT_LOG_ROLE',
];
/** All variables that change the result of the synthesis. */
export const synthesisSettings: readonly string[] = [...settingNames, ...namedSettings];

/** The largest edit distance at which a name counts as a misspelt setting. */
const spellingDistance = 2;
const ownPrefix = 'ROLLCALL_';

type Environment = Record<string, string | undefined>;

/**
 * Checks all settings. Commands call it first, so that a mistake is reported before the slow steps.
 *
 * @param environment the environment variables; it may contain others than settings.
 * @param more names of further settings that only some commands have.
 * @throws Error with one sentence about the first invalid setting: a value out of range, an impossible combination, or
 * a misspelt name.
 */
export function checkSettings(environment: Environment, more: readonly string[] = []): void {
  checkNames(environment, [...synthesisSettings, ...more]);
  readTimings(environment);
  checkChoice(environment, 'LOG_LEVEL', logLevels, (text) => text.toUpperCase());
  checkChoice(environment, 'ROLLCALL_ENVIRONMENT', environments);
  checkChoice(environment, 'ACCOUNT_LOG_ROLE', accountLogRoles);
  // Without JWKS_URI, the address of the keys is derived from the issuer.
  checkAddress(environment, environment['JWKS_URI']?.trim() ? 'JWKS_URI' : 'JWT_ISSUER');
}

function checkNames(environment: Environment, known: readonly string[]): void {
  for (const name of Object.keys(environment)) {
    if (known.includes(name) || !environment[name]?.trim()) continue;
    const near = known.find((each) => isMisspelt(name, each));
    if (near) throw new Error(`${name} is not a setting; did you mean ${near}?`);
  }
}

/** Short names such as PORT are not compared, because variables of other programs are often similar. */
function isMisspelt(name: string, setting: string): boolean {
  if (setting.length < 8) return false;
  const bare = setting.startsWith(ownPrefix) ? name : name.replace(/^ROLLCALL_/, '');
  return leven(bare, setting) <= spellingDistance;
}

function checkChoice(
  environment: Environment,
  name: string,
  choices: readonly string[],
  normalize = (text: string) => text,
): void {
  const text = environment[name]?.trim();
  if (!text || choices.includes(normalize(text))) return;
  throw new Error(`${name} is "${text}"; set it to ${choices.slice(0, -1).join(', ')} or ${choices.at(-1)}.`);
}

function checkAddress(environment: Environment, name: string): void {
  const text = environment[name]?.trim();
  if (!text || /^https?:$/.test(URL.parse(text)?.protocol ?? '')) return;
  throw new Error(`${name} is "${text}"; set it to an address that begins with https://.`);
}
