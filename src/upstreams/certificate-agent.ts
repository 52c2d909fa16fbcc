import { Agent, type RequestOptions } from 'node:https';
import type { Duplex } from 'node:stream';
import type { TLSSocket } from 'node:tls';

type Created = (error: Error | null, socket: Duplex) => void;

/**
 * Connects over TLS as any other agent does, for one request, and notes when the certificate ends that it was
 * shown: also of one that it then refuses because it has ended, or for another reason.
 */
export class CertificateAgent extends Agent {
  #endsAt: Date | undefined;
  #socket: TLSSocket | undefined;

  constructor() {
    // A session that is taken up again shows no certificate.
    super({ maxCachedSessions: 0 });
  }

  /** Undefined where no connection got as far. */
  get certificateEndsAt(): Date | undefined {
    return this.#endsAt;
  }

  override createConnection(options: RequestOptions, created?: Created): Duplex | null | undefined {
    // Whether it is to be trusted is asked here, and before anything is sent: a socket that asks by itself is gone
    // before one can look at what it was shown.
    const socket = super.createConnection({ ...options, rejectUnauthorized: false }) as TLSSocket;
    this.#socket = socket;
    const failed = (error: Error) => created?.(error, socket);
    socket.once('error', failed).once('secureConnect', () => {
      socket.off('error', failed);
      this.#endsAt = socket.getPeerX509Certificate()?.validToDate;
      if (socket.authorized || !isToBeTrusted(options)) created?.(null, socket);
      else {
        socket.destroy();
        failed(refusal(socket));
      }
    });
    return undefined;
  }

  /** Also a connection that has not come about. */
  override destroy(): void {
    this.#socket?.destroy();
    super.destroy();
  }
}

/** Node's own switch counts here as it does for all other connections. */
function isToBeTrusted({ rejectUnauthorized }: RequestOptions): boolean {
  return rejectUnauthorized ?? process.env.NODE_TLS_REJECT_UNAUTHORIZED !== '0';
}

/** `authorizationError` is a code, such as `CERT_HAS_EXPIRED`. */
function refusal({ authorizationError }: TLSSocket): Error {
  const code = String(authorizationError);
  return Object.assign(new Error(`the certificate is refused: ${code}`), { code });
}
