/** A whole plugin: what one copies where there is none. */
export const firstPlugin = `import { definePlugin } from 'sightline';

export default definePlugin({
  name: 'hello',
  version: '1.0.0',

  initialize({ registerMiddleware }) {
    registerMiddleware({
      name: 'hello',
      beforeQuery(_query, exchange) {
        exchange.setAttribute('hello', exchange.path);
      },
      afterResponse(reply) {
        return reply.with({ headers: [...reply.headers, 'x-hello', 'Hello!'] });
      },
    });
  },
});
`;

/** Writes a longer one, with its test. */
export const newPluginCommand = 'npm run plugin:new -- hello';
