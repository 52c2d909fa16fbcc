import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

/** A page of its own for a component: the bundle of this file. Use `await using`. */
export async function serveStage(file: URL): Promise<{ readonly url: string } & AsyncDisposable> {
  const bundle = await build({
    entryPoints: { stage: fileURLToPath(file) },
    outdir: '/',
    bundle: true,
    write: false,
    format: 'esm',
    jsx: 'automatic',
    jsxImportSource: 'preact',
    logLevel: 'silent',
  });
  const [script, style] = ['.js', '.css'].map(
    (ending) => bundle.outputFiles.find(({ path }) => path.endsWith(ending))?.text ?? '',
  );
  const page = `<!doctype html><html lang="en"><title>Stage</title><link rel="icon" href="data:,"><style>${style}
    #app { display: flex; height: 400px; }</style><main id="app"></main><script type="module">${script}</script>`;
  const server = createServer((_request, response) => {
    response.setHeader('content-type', 'text/html; charset=utf-8');
    response.end(page);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/`,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
