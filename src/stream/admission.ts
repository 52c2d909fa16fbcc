import { asSightlineError, SightlineError } from '../errors.ts';
import { Query } from '../exchange/query.ts';
import { Reply } from '../exchange/reply.ts';
import type { FlowServices } from '../flow/flow.ts';
import { sendProblem, sendReply } from '../flow/own-reply.ts';
import type { ReplySink } from '../flow/reply-sink.ts';
import type { Limits } from '../limits.ts';
import type { Passage } from '../middleware/passage.ts';
import type { Session, SessionRun, Upgrade } from '../session/session.ts';
import type { RawHeaders } from '../wire/headers.ts';

/** Where an answer to a handshake goes that is no WebSocket. */
export type AnswerHandshake = (
  upgrade: Upgrade,
  limits: Limits,
  onClose: (isSent: boolean) => void,
) => ReplySink;

/**
 * A handshake on its way through the middleware, as a query: whoever refuses or answers it does so with HTTP. The
 * reply of one that is let through is the 101, which nobody can change any more.
 */
export class Admission implements SessionRun {
  readonly #session: Session;
  readonly #upgrade: Upgrade;
  readonly #answer: AnswerHandshake;
  readonly #services: FlowServices;
  readonly #gone: () => void;
  #stopping: SightlineError | undefined;
  /** What the client is told instead of what it asked for. */
  #error: SightlineError | undefined;
  /** The handshake has its answer, or its client has gone. */
  #isOver = false;

  constructor(session: Session, upgrade: Upgrade, answer: AnswerHandshake) {
    this.#session = session;
    this.#upgrade = upgrade;
    this.#answer = answer;
    this.#services = session.services;
    this.#gone = () => this.#lose();
    upgrade.socket.once('close', this.#gone);
    session.run(this);
  }

  fail(error: SightlineError): void {
    this.#refuse(error);
  }

  drain(): void {
    this.#stopping = new SightlineError('stopping');
  }

  /** @param open Answers with a WebSocket, and gives the headers of the answer. */
  async enter(passage: Passage, open: () => RawHeaders): Promise<void> {
    const { lease } = this.#services;
    lease?.acquire();
    try {
      await this.#pass(passage, open);
    } catch (thrown) {
      await this.#repair(passage, asSightlineError(thrown));
    } finally {
      // Those that are still entered are told, and nobody else waits for them.
      await passage.abandon(this.#session.exchange.error ?? new SightlineError('client_aborted'));
      await passage.left();
      this.#session.middlewareRan();
      lease?.release();
    }
  }

  async #pass(passage: Passage, open: () => RawHeaders): Promise<void> {
    const { method, target, headers } = this.#session.exchange.request;
    const answer = await passage.beforeQuery(new Query({ method, target, headers, body: undefined }));
    if (this.#isOver) return;
    if (this.#stopping) throw this.#stopping;
    if (answer instanceof Reply) {
      await this.#reply(passage, answer);
    } else {
      const headers = open();
      this.#end();
      await passage.afterResponse(new Reply({ status: 101, headers, isSent: true }));
    }
  }

  async #repair(passage: Passage, error: SightlineError): Promise<void> {
    try {
      const repair = await passage.onError(error);
      if (repair) await this.#reply(passage, repair);
      else this.#refuse(error);
    } catch (thrown) {
      this.#refuse(asSightlineError(thrown));
    }
  }

  async #reply(passage: Passage, reply: Reply): Promise<void> {
    const last = await passage.afterResponse(reply);
    if (!this.#end()) return;
    const sink = this.#openSink();
    try {
      sendReply(this.#session.exchange, sink, last);
    } catch (thrown) {
      this.#tell(asSightlineError(thrown), sink);
    }
  }

  #refuse(error: SightlineError): void {
    if (this.#end()) this.#tell(error, this.#openSink());
  }

  #tell(error: SightlineError, sink: ReplySink): void {
    this.#error = error;
    sendProblem(this.#session.exchange, sink, error);
  }

  #openSink(): ReplySink {
    return this.#answer(this.#upgrade, this.#services.limits, () =>
      this.#session.end(this.#error?.outcome ?? 'completed', this.#error),
    );
  }

  #lose(): void {
    if (this.#end()) this.#session.end('client_aborted', new SightlineError('client_aborted'));
  }

  /** False where it was over already. */
  #end(): boolean {
    if (this.#isOver) return false;
    this.#isOver = true;
    this.#upgrade.socket.off('close', this.#gone);
    return true;
  }
}
