import type { PluginBuild } from '../compile/build.ts';

/** As it stands in an object: after its opening brace, or after a comma; in parentheses where it has a comment. */
const literal = /(?<=[{,]\s*)(?:isolation|"isolation")\s*:[\s(]*"worker"/;

/**
 * Does a plugin ask to be run in a worker? Told without running it, by the literal `isolation: 'worker'` in
 * its code: what is not trusted to be quick must not begin here. Comments and texts that only speak of it do
 * not count. Somebody else's object with that field does; the plugin is refused then, when its definition
 * has told otherwise.
 */
export function wantsWorker({ code }: Pick<PluginBuild, 'code'>): boolean {
  // Nearly every plugin says no here, at the cost of a search.
  if (!/isolation/.test(code) || !/worker/.test(code)) return false;
  return literal.test(codeAlone(code));
}

/**
 * One token of what matters here: comments, regular expressions, texts, templates up to a `${`, and the
 * braces that end one. Whatever else is between them is code.
 */
const token =
  /\/\/[^\n]*|\/\*[\s\S]*?\*\/|(?<=(?:[=(,:[!&|?{};+\-*%~^<>\n]|\b(?:return|typeof|case|in|of|void|delete|throw|new|else|do|await|yield))\s*)\/(?:\\.|\[(?:\\.|[^\]\\\n])*\]|[^/\\[\n])+\/[a-z]*|"(?:\\.|[^"\\\n])*"|'(?:\\.|[^'\\\n])*'|`|[{}]/g;

/** The code without comments, and without texts but the two that are looked for, in double quotes. */
function codeAlone(code: string): string {
  let out = '';
  let end = 0;
  /** How many braces are open in each template's `${ … }`, innermost last. */
  const templates: number[] = [];
  token.lastIndex = 0;
  for (let match = token.exec(code); match; match = token.exec(code)) {
    const [found] = match;
    out += code.slice(end, match.index);
    end = token.lastIndex;
    const open = templates.at(-1);
    if (found === '{' || found === '}') {
      out += found;
      if (open === undefined) continue;
      if (found === '}' && open === 0) {
        templates.pop();
        end = skipTemplate(code, end, templates);
        token.lastIndex = end;
      } else templates[templates.length - 1] = open + (found === '{' ? 1 : -1);
    } else if (found === '`') {
      end = skipTemplate(code, end, templates);
      token.lastIndex = end;
    } else out += textOf(found);
  }
  return out + code.slice(end);
}

/** From inside a template to behind its end, or behind the `${` that opens code in it. */
function skipTemplate(code: string, from: number, templates: number[]): number {
  for (let i = from; i < code.length; i += 1) {
    if (code[i] === '\\') i += 1;
    else if (code[i] === '`') return i + 1;
    else if (code[i] === '$' && code[i + 1] === '{') {
      templates.push(0);
      return i + 2;
    }
  }
  return code.length;
}

function textOf(found: string): string {
  const first = found[0];
  if (first === '/') return ' ';
  const text = found.slice(1, -1);
  return text === 'isolation' || text === 'worker' ? `"${text}"` : '""';
}
