/** The few signs that the portal uses, drawn on a 16 unit square in the colour of the text beside them. */

const shapes = {
  search: <path d="M7 2.5a4.5 4.5 0 1 0 0 9 4.5 4.5 0 0 0 0-9ZM10.3 10.3 14 14" />,
  close: <path d="m3.5 3.5 9 9m0-9-9 9" />,
  plus: <path d="M8 3v10M3 8h10" />,
  minus: <path d="M3 8h10" />,
  home: <path d="M2.5 6V2.5H6M10 2.5h3.5V6M13.5 10v3.5H10M6 13.5H2.5V10" />,
  good: <path d="m3 8.5 3.2 3.2L13 5" />,
  suspect: <path d="M8 3.2v6M8 12v.6" />,
  bad: <path d="m4 4 8 8m0-8-8 8" />,
  missing: <path d="M4 8h8" />,
  fresh: <path d="M8 2a6 6 0 1 0 0 12A6 6 0 0 0 8 2Zm0 2.8V8l2.2 1.6" />,
  late: <path d="M8 2a6 6 0 1 0 0 12A6 6 0 0 0 8 2Zm0 2.8V8l2.2 1.6" />,
  stale: <path d="M8 2.2 14.4 13H1.6L8 2.2ZM8 6.4v3.2M8 11.3v.2" />,
  download: <path d="M8 2.5v7.5m-3-3 3 3 3-3M3 13.5h10" />,
  link: <path d="M6.5 9.5 9.5 6.5M7 4.5l1.2-1.2a3.1 3.1 0 0 1 4.4 4.4L11.5 9M9 11.5l-1.2 1.2a3.1 3.1 0 0 1-4.4-4.4L4.5 7" />,
  pin: <path d="M8 14S3 9.6 3 6.4a5 5 0 0 1 10 0C13 9.6 8 14 8 14Zm0-6.2a1.6 1.6 0 1 0 0-3.2 1.6 1.6 0 0 0 0 3.2Z" />,
  print: <path d="M4.5 6V2.5h7V6M4.5 11.5h-2V6h11v5.5h-2M4.5 9.5h7v4h-7v-4Z" />,
  battery: <path d="M2 5h10.5v6H2V5Zm12.5 2v2M4.5 7v2" />,
  camera: <path d="M2 5h2.8l1-1.8h4.4l1 1.8H14v8H2V5Zm6 6.3a2.4 2.4 0 1 0 0-4.8 2.4 2.4 0 0 0 0 4.8Z" />,
  down: <path d="m4 6 4 4 4-4" />,
  left: <path d="m10 4-4 4 4 4" />,
  up: <path d="m4 10 4-4 4 4" />,
};

export type Sign = keyof typeof shapes;

export const Icon = ({ sign }: { sign: Sign }) => (
  <svg class="icon" viewBox="0 0 16 16" width="16" height="16" fill="none" stroke="currentColor" stroke-width="1.6"
    stroke-linecap="round" stroke-linejoin="round" aria-hidden="true" focusable="false">
    {shapes[sign]}
  </svg>
);
