import type { Crowd, CrowdOptions, OpenCrowd } from '../crowd.ts';
import { type Move, moveTo } from '../room.ts';
import { openSocket } from '../socket.ts';
import { VarReader, VarWriter } from '../varints.ts';

/** Message types that both servers know. */
const awareness = 1;
const authentication = 2;
const document = 'room';
/** Yjs names clients by random numbers of 32 bits; these are as long. */
const firstClient = 3_000_000_000;

/** People of `@y/websocket-server`: the document is named by the path. */
export const openYWebsocket: OpenCrowd = async (options) => openAwareness(options, `/${document}`, undefined);

/** People of Hocuspocus: every message begins with the document, the first one shows a token. */
export const openHocuspocus: OpenCrowd = async (options) => openAwareness(options, '', document);

function openAwareness({ url }: CrowdOptions, path: string, address: string | undefined): Crowd {
  const writer = () => (address === undefined ? new VarWriter() : new VarWriter().text(address));
  return {
    async join(place, ears) {
      const allowed = Promise.withResolvers<void>();
      const socket = await openSocket(`${url}${path}`, [], ears, (message) => {
        const reader = new VarReader(message);
        if (address !== undefined) reader.text();
        const type = reader.number();
        if (type === authentication) allowed.resolve();
        if (type !== awareness) return;
        for (const [client, state] of statesOf(reader.bytes())) {
          if (state) ears.heard(client - firstClient, state.cursor.position);
        }
      });
      if (address !== undefined) {
        socket.send(writer().number(authentication).number(0).text('token').text('4.0.0').done());
        await allowed.promise;
      }
      let clock = 0;
      const show = (state: object) => {
        const update = new VarWriter()
          .number(1)
          .number(firstClient + place)
          .number(clock++)
          .text(JSON.stringify(state));
        socket.send(writer().number(awareness).bytes(update.done()).done());
      };
      return { move: (position) => show({ cursor: moveTo(position) }), close: socket.close };
    },
  };
}

function statesOf(update: Buffer): [client: number, state: { cursor: Move } | null][] {
  const reader = new VarReader(update);
  return Array.from({ length: reader.number() }, () => {
    const client = reader.number();
    reader.number();
    return [client, JSON.parse(reader.text()) as { cursor: Move } | null];
  });
}
