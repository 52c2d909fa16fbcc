/** Every error: https://www.rfc-editor.org/rfc/rfc9457 is not spoken here, but the form that clients of models know. */
export interface ApiProblem {
  readonly error: { readonly code: string; readonly message: string };
}
