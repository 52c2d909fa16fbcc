import { ago, dateAndClock } from '../parts/format.ts';
import { now } from '../state/now.ts';
import { describeNews } from './news.ts';
import type { DatedNews } from './use-news.ts';

/** How long ago; it goes with the time, and nothing around it is drawn anew. */
export function Since({ at }: { readonly at: string }) {
  return (
    <time dateTime={at} title={dateAndClock(at)}>
      {ago(at, now.value)}
    </time>
  );
}

const shownMs = 60_000;

/** What has just happened to a plugin; for a while. */
export function NewsLine({ news }: { readonly news: DatedNews }) {
  if (now.value - news.at > shownMs) return null;
  return (
    <p class={`plugin-news plugin-news-${news.kind}`}>
      {describeNews(news)} <span class="muted">({ago(news.at, now.value)})</span>
    </p>
  );
}
