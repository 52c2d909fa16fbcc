/** The model of a session: what the client asks for, and what the upstream says it is. */
export class SessionModel {
  #asked: string | undefined;
  #confirmed: string | undefined;

  /** `asked`: by the upgrade. Nobody has borne it out yet. */
  constructor(asked: string | undefined) {
    this.#asked = asked;
  }

  /** What a query asks for that names none. */
  get asked(): string | undefined {
    return this.#asked ?? this.#confirmed;
  }

  /** What answers, as the upstream has said last. */
  get confirmed(): string | undefined {
    return this.#confirmed;
  }

  confirm(model: string): void {
    // Of a session that was given another one since, the upgrade's says nothing any more.
    if (this.#confirmed !== undefined && this.#confirmed !== model) this.#asked = undefined;
    this.#confirmed = model;
  }
}
