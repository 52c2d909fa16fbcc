/** What a peer sent breaks RFC 6455, or a limit of ours. `closeCode` is what it is told (§7.4.1). */
export class FrameError extends Error {
  override readonly name = 'FrameError';
  readonly closeCode: 1002 | 1007 | 1009;

  constructor(closeCode: FrameError['closeCode'], message: string) {
    super(message);
    this.closeCode = closeCode;
  }
}
