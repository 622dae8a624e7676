import type { Crowd, CrowdOptions, OpenCrowd } from '../crowd.ts';
import { type Move, moveTo } from '../room.ts';
import { openSocket } from '../socket.ts';
import { VarReader, VarWriter } from '../varints.ts';

/** Message types of both servers. */
const awareness = 1;
const authentication = 2;
const document = 'room';
/** Client ids of the same length as in Yjs, which uses random numbers of 32 bits. */
const firstClient = 3_000_000_000;
/**
 * A client that sent nothing for this long repeats its state, as Yjs clients do, because servers remove silent clients.
 */
const renewalMillis = 15_000;

interface State {
  cursor?: Move;
}

/** Clients of `@y/websocket-server`. The path names the document. */
export const openYWebsocket: OpenCrowd = async (options) => openAwareness(options, `/${document}`, undefined);

/** Clients of Hocuspocus. Each message begins with the document's name, and the first one contains a token. */
export const openHocuspocus: OpenCrowd = async (options) => openAwareness(options, '', document);

function openAwareness({ url }: CrowdOptions, path: string, address: string | undefined): Crowd {
  const writer = () => (address === undefined ? new VarWriter() : new VarWriter().text(address));
  return {
    async join(memberIndex, listener) {
      const allowed = Promise.withResolvers<void>();
      const socket = await openSocket(`${url}${path}`, [], listener, (message) => {
        const reader = new VarReader(message);
        if (address !== undefined) reader.text();
        const type = reader.number();
        if (type === authentication) allowed.resolve();
        if (type !== awareness) return;
        for (const [client, state] of statesOf(reader.bytes())) {
          if (state?.cursor) listener.heard(client - firstClient, state.cursor.position);
        }
      });
      if (address !== undefined) {
        socket.send(writer().number(authentication).number(0).text('token').text('4.0.0').done());
        await allowed.promise;
      }
      let clock = 0;
      let renewal: NodeJS.Timeout | undefined;
      const show = (state: State) => {
        const update = new VarWriter()
          .number(1)
          .number(firstClient + memberIndex)
          .number(clock++)
          .text(JSON.stringify(state));
        socket.send(writer().number(awareness).bytes(update.done()).done());
        clearTimeout(renewal);
        renewal = setTimeout(show, renewalMillis, state);
      };
      show({});
      return {
        move: (position) => show({ cursor: moveTo(position) }),
        close() {
          clearTimeout(renewal);
          socket.close();
        },
      };
    },
  };
}

function statesOf(update: Buffer): [client: number, state: State | null][] {
  const reader = new VarReader(update);
  return Array.from({ length: reader.number() }, () => {
    const client = reader.number();
    reader.number();
    return [client, JSON.parse(reader.text()) as State | null];
  });
}
