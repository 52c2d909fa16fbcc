import { useEffect, useState } from 'preact/hooks';
import { get } from '../state/api.ts';
import { reconnects, tick } from '../state/events.ts';
import { wait } from '../state/wait.ts';
import { Feed } from './feed.ts';
import type { Filter } from './filter.ts';

/** The feed of the list, as long as the component is there. */
export function useFeed(filter: Filter, isPaused: boolean): Feed {
  const [feed] = useState(() => new Feed({ get, wait }));
  const [isHidden, setHidden] = useState(document.hidden);
  const newest = tick.value;
  const returns = reconnects.value;

  useEffect(() => {
    const onChange = () => setHidden(document.hidden);
    document.addEventListener('visibilitychange', onChange);
    return () => document.removeEventListener('visibilitychange', onChange);
  }, []);
  useEffect(() => {
    feed.look({ filter, tick: newest, isPaused, isHidden });
  }, [feed, filter, newest, isPaused, isHidden]);
  useEffect(() => {
    if (returns > 0) feed.restart();
  }, [feed, returns]);
  useEffect(() => () => feed.stop(), [feed]);
  return feed;
}
