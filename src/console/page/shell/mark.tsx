/** The sign of Sightline. */
export function Mark() {
  return (
    <svg class="mark" viewBox="0 0 32 32" aria-hidden="true" focusable="false">
      <rect class="mark-ground" width="32" height="32" rx="7" />
      <path d="M5 16c4-6.5 18-6.5 22 0-4 6.5-18 6.5-22 0zM2 16h28" />
      <circle cx="16" cy="16" r="3.4" />
    </svg>
  );
}
