import { createClientIn } from '../../client/client.ts';
import type { Environment, Socket } from '../../client/environment.ts';
import type { Client, Session } from '../../client/index.ts';
import { createTestRollcall, type TestRollcall } from '../../client/testing/index.ts';
import { Refusal } from '../../client/testing/refusal.ts';

// The last cursor of a user reaches the others, even if the service could not handle its frame.

let rollcall: TestRollcall;
/** Gives the client a text, as if the service had sent it. */
let receive: (text: string) => void;
let bob: Client;
let hers: Session;
let his: Session;

beforeEach(async () => {
  rollcall = createTestRollcall();
  hers = rollcall.client('ada').open('doc');
  await hers.ready;
  const { environment } = rollcall.device(rollcall.client('bob'));
  const Dialled = environment.WebSocket!;
  function Noted(url: string, protocols: string[]): Socket {
    const socket = new Dialled(url, protocols) as Socket & { receive(text: string): void };
    receive = (text) => socket.receive(text);
    return socket;
  }
  const noting = { ...environment, WebSocket: Noted as unknown as Environment['WebSocket'] & object };
  bob = createClientIn(noting, { url: 'ws://rollcall.test/live', token: () => rollcall.token('bob') });
  his = bob.open('doc');
  await his.ready;
});
afterEach(() => {
  bob.close();
  rollcall.close();
});

const cursorFrames = () => rollcall.service.frames.filter(({ frame }) => frame.type === 'cursor_update').length;

/** The next cursor is lost, or refused if a code is given. */
function failNext(code?: 'UNAVAILABLE' | 'RATE_LIMITED' | 'TOO_LARGE'): void {
  let isFirst = true;
  rollcall.service.intercept = ({ type }) => {
    if (type !== 'cursor_update' || !isFirst) return undefined;
    isFirst = false;
    return code ? new Refusal(code, 'Refused.') : 'drop';
  };
}

test.each([
  ['UNAVAILABLE', ['UNAVAILABLE']],
  ['RATE_LIMITED', []],
] as const)('[CL3] [FA1] a cursor that is refused with %s is sent again', async (code, reported) => {
  const errors: string[] = [];
  bob.on('error', (error) => errors.push(error.code));
  failNext(code);
  his.setCursor({ x: 1 });
  await rollcall.settle();
  expect(hers.cursors).toEqual([]);
  await rollcall.advance(3000);
  expect(hers.cursors[0]?.cursor).toEqual({ x: 1 });
  await rollcall.advance(20_000);
  expect(cursorFrames()).toBe(2);
  expect(errors).toEqual(reported);
});

test('[CL3] a cursor is sent again if API Gateway could not run the function', async () => {
  failNext();
  his.setCursor({ x: 1 });
  await rollcall.settle();
  receive('{"message":"Internal server error","connectionId":"c1","requestId":"id="}');
  await rollcall.advance(3000);
  expect(hers.cursors[0]?.cursor).toEqual({ x: 1 });
});

test('[CL3] a newer cursor replaces the refused one', async () => {
  failNext('UNAVAILABLE');
  his.setCursor({ x: 1 });
  await rollcall.settle();
  his.setCursor({ x: 2 });
  await rollcall.advance(3000);
  expect(hers.cursors[0]?.cursor).toEqual({ x: 2 });
  his.setCursor({ x: 3 });
  await rollcall.settle();
  receive('{"message":"Internal server error","connectionId":"c1","requestId":"id="}');
  his.setCursor(null);
  await rollcall.advance(3000);
  expect(hers.cursors).toEqual([]);
});

test('[CL3] a cursor that can never succeed is not sent again', async () => {
  failNext('TOO_LARGE');
  his.setCursor({ x: 1 });
  await rollcall.advance(20_000);
  expect(cursorFrames()).toBe(1);
});
