import { useEffect, useRef, useState } from 'preact/hooks';
import type { PluginsView } from '../../../admin/api/plugins.ts';
import { describeNews, type News, newsBetween } from './news.ts';

export interface DatedNews extends News {
  /** ms since the epoch, when this page saw it. */
  readonly at: number;
}

export interface NewsFeed {
  /** The newest of each file. */
  readonly ofFile: ReadonlyMap<string, DatedNews>;
  /** All that came with the last change, in words. */
  readonly announcement: string;
  /** Another one for each announcement, also where the words are the same. */
  readonly number: number;
}

const none: NewsFeed = { ofFile: new Map(), announcement: '', number: 0 };

/** What happens to the plugins while one looks. */
export function useNews(view: PluginsView | undefined): NewsFeed {
  const before = useRef<PluginsView | undefined>(undefined);
  const [feed, setFeed] = useState(none);
  useEffect(() => {
    const was = before.current;
    before.current = view;
    if (!was || !view || was === view) return;
    const fresh = newsBetween(was, view);
    if (fresh.length === 0) return;
    const at = Date.now();
    const kept = view.plugins.map(({ file }) => file);
    setFeed(({ ofFile, number }) => ({
      // Files that are gone are forgotten, so that it cannot grow.
      ofFile: new Map([
        ...[...ofFile].filter(([file]) => kept.includes(file)),
        ...fresh.map((news) => [news.file, { ...news, at }] as const),
      ]),
      announcement: fresh.map((news) => `${news.name} ${describeNews(news)}`).join('; '),
      number: number + 1,
    }));
  }, [view]);
  return feed;
}
