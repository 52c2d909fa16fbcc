import { definePlugin } from 'sightline';

/** What a usual plugin does: a tag on each exchange, a hook at its end, a metric of its own. */
export default definePlugin({
  name: 'tag',
  version: '1.0.0',
  initialize({ meter, registerHook, registerMiddleware }) {
    const exchanges = meter.createCounter('tag.exchanges');
    registerMiddleware({
      name: 'tag',
      beforeQuery(_query, exchange) {
        exchange.setAttribute('team', exchange.header('x-team') ?? 'none');
      },
    });
    registerHook('exchange.ended', () => exchanges.add(1));
  },
});
