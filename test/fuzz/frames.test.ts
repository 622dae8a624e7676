import { MachineManager } from '../../lambdas/machines/machine-manager.ts';
import { MachineRepository } from '../../lambdas/machines/machine-repository.ts';
import type { Services } from '../../lambdas/services/services.ts';
import type { SessionManager } from '../../lambdas/sessions/session-manager.ts';
import { RollcallError } from '../../protocol/errors.ts';
import type { Doubles } from '../support/test-services.ts';
import { Fuzzer } from './fuzz-run.ts';
import { expectNoFindings, fuzzSeed } from './report.ts';

/** How many frames a planted mistake may need until it is found. */
const enough = 6000;

let fuzzer: Fuzzer;
beforeAll(async () => {
  fuzzer = await Fuzzer.start();
});
afterAll(() => fuzzer.close());

test('no frame fails, is answered with internal text, or changes what is stored although it was refused', async () => {
  expectNoFindings(await fuzzer.run(fuzzSeed(), [0, 3000]));
});

/** The same service with one method replaced. */
const replaced = <T extends object>(service: T, method: keyof T, double: unknown): T =>
  new Proxy(service, {
    get: (target, name) => {
      const value: unknown = name === method ? double : Reflect.get(target, name);
      return typeof value === 'function' ? value.bind(target) : value;
    },
  });

describe('the test finds a planted mistake', () => {
  const stored = /It was refused with|A refusal could not be recorded/;
  const mistakes: [what: string, seen: RegExp, mistake: (services: Services) => Doubles][] = [
    [
      'who registers the machine of another user is stored before they are refused',
      stored,
      ({ database, liveness }) => {
        class Hasty extends MachineRepository {
          override async upsert(registration: Parameters<MachineRepository['upsert']>[0]) {
            const values = [registration.ownerId, registration.ownerName];
            await database.query('INSERT INTO users (id, username) VALUES ($1, $2) ON CONFLICT DO NOTHING', values);
            return super.upsert(registration);
          }
        }
        return { machines: new MachineManager({ repository: new Hasty(database), liveness }) };
      },
    ],
    [
      'the refusal of a user is recorded for a session that does not exist',
      stored,
      ({ sessions }) => ({
        sessions: replaced<SessionManager>(sessions, 'authorize', async () => {
          throw new RollcallError('PERMISSION_DENIED', 'Your role does not allow this.');
        }),
      }),
    ],
    [
      'an unknown session is answered with the error of a program',
      /INTERNAL/,
      ({ sessions }) => ({
        sessions: replaced<SessionManager>(sessions, 'authorize', async () => {
          throw new TypeError("Cannot read properties of undefined (reading 'rows')");
        }),
      }),
    ],
  ];

  test.each(mistakes)('%s', async (_, seen, mistake) => {
    const { findings } = await fuzzer.runWith(mistake, fuzzSeed(), [0, enough], 1);
    expect(findings[0]?.what).toMatch(seen);
  });
});
