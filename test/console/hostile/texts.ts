/** What markup that runs would leave in the page. */
export const trap = 'hostileRan';

/** Begins with the name of where it stands, so that each place can be told from the others. */
export function hostile(where: string): string {
  return [
    `${where}"'><img src=x onerror="${trap}=1"><script>${trap}=1</script>`,
    `<svg onload=${trap}=1><a href="javascript:${trap}=1">a</a></style></textarea>`,
    `{{constructor.constructor('${trap}=1')()}}\${${trap}=1}&lt;`,
  ].join('');
}

/** Without blanks, quotes and slashes that a header, an id or a path could not have. */
export const hostileWord = (where: string) => `${where}<svg/onload=${trap}=1>{{${trap}=1}}`;

/** What may come after a text and turn round, hide or break off what follows it. */
export const strange = '\u202etxet\u2066\u200f\u0000\u0007\u001b[31m\u0085\u2028🤹🏽‍♀️\ud800';

/** Names that every object has. */
export const inherited = ['__proto__', 'constructor', 'toString', 'hasOwnProperty'] as const;

/** A name without a place where it could be broken. */
export const longName = (chars: number) => 'w'.repeat(chars);
