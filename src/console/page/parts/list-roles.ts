/** Attributes that tell of a list of which most rows are not in the page. Positions count from 1. */
export const listRoles = {
  listbox: {
    list: () => ({ role: 'listbox' as const }),
    body: { role: 'none' },
    row: (index: number, rows: number) => ({
      role: 'option' as const,
      'aria-posinset': index + 1,
      'aria-setsize': rows,
    }),
  },
  grid: {
    /** The header is a row too. */
    list: (rows: number) => ({ role: 'grid' as const, 'aria-rowcount': rows + 1 }),
    body: { role: 'rowgroup' },
    row: (index: number) => ({ role: 'row' as const, 'aria-rowindex': index + 2 }),
  },
} as const;

export const headRole = { role: 'row', 'aria-rowindex': 1 } as const;
