import type { WebSocket } from 'ws';
import type { Recorder } from '../recorder.ts';
import { SocketLine } from './socket-line.ts';

/** RFC 6455 §7.1.5: the connection was gone without a close frame. */
const abnormalClosure = 1006;

/** Says every message again, as it came: for tests of protocols that nobody knows. */
export class EchoSession {
  readonly #recorder: Recorder;
  #isKilled = false;

  constructor(socket: WebSocket, recorder: Recorder) {
    this.#recorder = recorder;
    const line = new SocketLine(socket);
    socket.on('message', (data: Buffer, isBinary) => {
      recorder.requestPiece(data);
      line.answer(data, () => recorder.bytesSent(data), isBinary);
    });
    socket.once('close', (code) => {
      const ended = code === abnormalClosure ? 'client_aborted' : 'completed';
      recorder.end(this.#isKilled ? 'fault' : ended);
    });
  }

  /** Its connection is about to be destroyed, and not by its client. */
  kill(): void {
    this.#isKilled = true;
    this.#recorder.entry.fault ??= 'killed';
  }
}
