import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { checkSettings, synthesisSettings } from '../../protocol/settings.ts';
import { settingNames } from '../../protocol/timings.ts';

test.each([
  ['PRESENCE_UPDATE_SECOND', 'PRESENCE_UPDATE_SECONDS'],
  ['HEARTBEAT_TIMOUT_SECONDS', 'HEARTBEAT_TIMEOUT_SECONDS'],
  ['BATCH_MILIS', 'BATCH_MILLIS'],
  ['MAX_PARTICIPANT', 'MAX_PARTICIPANTS'],
  ['ROLLCALL_MAX_PARTICIPANTS', 'MAX_PARTICIPANTS'],
  ['JWT_ISSUR', 'JWT_ISSUER'],
  ['ROLLCALL_ENVIROMENT', 'ROLLCALL_ENVIRONMENT'],
])('%s is taken for a misspelt %s', (name, meant) => {
  expect(() => checkSettings({ [name]: '1' })).toThrow(`${name} is not a setting; did you mean ${meant}?`);
});

test('a setting of one command is known only to that command', () => {
  expect(() => checkSettings({ ROLLCALL_DATADIR: 'x' })).not.toThrow();
  expect(() => checkSettings({ ROLLCALL_DATADIR: 'x' }, ['ROLLCALL_DATA_DIR'])).toThrow(
    'did you mean ROLLCALL_DATA_DIR?',
  );
  expect(() => checkSettings({ ROLLCALL_DATA_DIR: 'x' }, ['ROLLCALL_DATA_DIR'])).not.toThrow();
});

test('variables of other programs and empty ones are ignored', () => {
  expect(() =>
    checkSettings({
      PATH: '/bin',
      HOME: '/root',
      LOG_LEVELS: '',
      ROLLCALL_URL: 'wss://x',
      POST: '1',
      SESSION_MANAGER: 'x',
    }),
  ).not.toThrow();
});

test.each([
  ['ACCOUNT_LOG_ROLE', 'none', 'ACCOUNT_LOG_ROLE is "none"; set it to create or existing.'],
  ['LOG_LEVEL', 'loud', 'LOG_LEVEL is "loud"; set it to TRACE, DEBUG, INFO, WARN, ERROR, CRITICAL or SILENT.'],
  ['ROLLCALL_ENVIRONMENT', 'stage', 'ROLLCALL_ENVIRONMENT is "stage"; set it to dev or prod.'],
  ['JWKS_URI', 'keys.example/jwks', 'JWKS_URI is "keys.example/jwks"; set it to an address that begins with https://.'],
  ['JWT_ISSUER', 'me', 'JWT_ISSUER is "me"; set it to an address that begins with https://.'],
  ['BATCH_MILLIS', '2000', 'Set BATCH_MILLIS to at most 1000: no update may wait longer than one second.'],
])('%s=%s is refused with one sentence', (name, value, sentence) => {
  expect(() => checkSettings({ [name]: value })).toThrow(new Error(sentence));
});

test.each(['debug', 'INFO', ''])('LOG_LEVEL=%s is accepted', (level) => {
  expect(() => checkSettings({ LOG_LEVEL: level, JWT_ISSUER: 'https://id.example/' })).not.toThrow();
});

test('an issuer that is not an address is accepted if the address of the keys is set', () => {
  expect(() => checkSettings({ JWT_ISSUER: 'accounts.example', JWKS_URI: 'https://keys.example/' })).not.toThrow();
});

test('the page of the settings lists all settings', () => {
  const page = readFileSync(join(__dirname, '../../docs/settings.md'), 'utf8');
  expect(settingNames.filter((name) => !page.includes(`\`${name}\``))).toEqual([]);
  expect(synthesisSettings).toEqual(expect.arrayContaining([...settingNames, 'JWKS_URI', 'LOG_LEVEL']));
});
