import { type Signal, signal } from '@preact/signals';

const stepMs = 500;

let timer: ReturnType<typeof setInterval> | undefined;

/** `Date.now()`, twice a second; it stands still while nobody reads it, and while the page cannot be seen. */
export const now: Signal<number> = signal(Date.now(), {
  watched() {
    document.addEventListener('visibilitychange', run);
    run();
  },
  unwatched() {
    document.removeEventListener('visibilitychange', run);
    clearInterval(timer);
  },
});

function run(): void {
  clearInterval(timer);
  if (document.hidden) return;
  now.value = Date.now();
  timer = setInterval(() => {
    now.value = Date.now();
  }, stepMs);
}
