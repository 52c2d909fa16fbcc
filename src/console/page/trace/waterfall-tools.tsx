import type { TraceView } from '../../../admin/api/traces.ts';
import { counted } from '../parts/format.ts';

interface ToolsProps {
  readonly trace: TraceView;
  readonly problems: number;
  readonly isZoomed: boolean;
  readonly isFolded: boolean;
  readonly onNextProblem: () => void;
  readonly onReset: () => void;
  readonly onExpandAll: () => void;
}

/** Above the waterfall: how much it is, and what is of use now. */
export function WaterfallTools(props: ToolsProps) {
  const { trace, problems, isZoomed, isFolded, onNextProblem, onReset, onExpandAll } = props;
  return (
    <div class="tw-tools">
      <span class="muted">
        {counted(trace.spans.length, 'span')}
        {trace.droppedSpans > 0 && `, ${counted(trace.droppedSpans, 'older one')} not kept`}
      </span>
      {problems > 0 && (
        <button type="button" class="tw-tool tw-trouble" onClick={onNextProblem}>
          {problems === 1 ? 'Go to the problem' : `Next of ${problems} problems`}
        </button>
      )}
      {isZoomed && (
        <button type="button" class="tw-tool" onClick={onReset}>
          Show all of the time
        </button>
      )}
      {isFolded && (
        <button type="button" class="tw-tool" onClick={onExpandAll}>
          Expand all
        </button>
      )}
    </div>
  );
}
