/** What it becomes as JSON, which leaves out what is undefined. */
export type AsJson<Fields> = {
  [Key in keyof Fields as undefined extends Fields[Key] ? never : Key]: Fields[Key];
} & {
  [Key in keyof Fields as undefined extends Fields[Key] ? Key : never]?: Exclude<Fields[Key], undefined>;
};

/** For answers whose types say of what is not known that it is absent. */
export function asJson<Fields extends object>(fields: Fields): AsJson<Fields> {
  return fields as AsJson<Fields>;
}
