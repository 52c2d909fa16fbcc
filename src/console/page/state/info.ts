import { type Signal, signal } from '@preact/signals';
import type { ConsoleInfo } from '../../../admin/api/console-info.ts';
import { get } from './api.ts';

/** What the service tells of itself; undefined until it has. Asked for anew with each connection. */
export const info: Signal<ConsoleInfo | undefined> = signal(undefined);

/** Rejects as `get`. */
export async function loadInfo(): Promise<void> {
  info.value = await get<ConsoleInfo>('/api/console');
}
