import type { ComponentChildren } from 'preact';
import { Dialog } from './dialog.tsx';

export interface ConfirmProps {
  readonly open: boolean;
  readonly title: string;
  /** What it does: `Unload pii-redaction`, never `OK`. */
  readonly confirmLabel: string;
  readonly onConfirm: () => void;
  readonly onCancel: () => void;
  readonly children?: ComponentChildren;
}

/** Asks before something is done that cannot be taken back. */
export function Confirm({ open, title, confirmLabel, onConfirm, onCancel, children }: ConfirmProps) {
  return (
    <Dialog open={open} title={title} onClose={onCancel}>
      {children && <div class="dialog-body">{children}</div>}
      <div class="dialog-actions">
        <button type="button" class="button" onClick={onCancel}>
          Cancel
        </button>
        <button type="button" class="button primary" onClick={onConfirm}>
          {confirmLabel}
        </button>
      </div>
    </Dialog>
  );
}
