// Icons as strokes on a 24 x 24 grid; those of components come with the document.
const PATHS = {
  alert: "M12 4 2.8 20h18.4L12 4ZM12 10v4.5M12 17.2v.1",
  check: "M4.5 12.5 10 18 20 7",
  clock: "M12 21a9 9 0 1 0 0-18 9 9 0 0 0 0 18ZM12 7v5.2l3.4 2",
  copy: "M9 9h11v11H9zM5.5 15H4V4h11v1.5",
  fit: "M4 9V4h5M15 4h5v5M20 15v5h-5M9 20H4v-5",
  graph: "M4 5h6v5H4zM14 14h6v5h-6zM10 7.5h3.5a3 3 0 0 1 3 3V14",
  hand: "M8 12V6.5a1.5 1.5 0 0 1 3 0V11M11 10.5V5a1.5 1.5 0 0 1 3 0v5.5M14 10.5V6.5a1.5 1.5 0 0 1 3 0V14c0 4-2 6.5-5.5 6.5-3 0-4.3-1.3-5.7-4L4 13.2a1.4 1.4 0 0 1 2.3-1.5L8 13.5",
  info: "M12 21a9 9 0 1 0 0-18 9 9 0 0 0 0 18ZM12 11v5.5M12 7.6v.1",
  keyboard: "M3 6.5h18v11H3zM6.5 10v.1M10 10v.1M13.5 10v.1M17 10v.1M8 14h8",
  link: "M10 14a4 4 0 0 0 5.7 0l3.5-3.5a4 4 0 0 0-5.7-5.7L12 6.3M14 10a4 4 0 0 0-5.7 0l-3.5 3.5a4 4 0 0 0 5.7 5.7l1.5-1.5",
  list: "M9 6h11M9 12h11M9 18h11M4.5 6v.1M4.5 12v.1M4.5 18v.1",
  marquee: "M4 8V4h4M12 4h4M20 4v4M4 12v4M20 12v1M4 20h1M9 20h3M15 15l5.5 2-2.5 1-1 2.5z",
  minus: "M5 12h14",
  plus: "M12 5v14M5 12h14",
  redo: "M20 9H9.5a5.5 5.5 0 0 0 0 11H13M16 5l4 4-4 4",
  tidy: "M4 4h5v5H4zM4 15h5v5H4zM15 9.5h5v5h-5zM9 6.5h3v11H9M12 12h3",
  trash: "M4 7h16M9.5 7V4h5v3M6.5 7l1 13h9l1-13M10 11v5.5M14 11v5.5",
  undo: "M4 9h10.5a5.5 5.5 0 0 1 0 11H11M8 5 4 9l4 4",
  x: "M6 6l12 12M18 6 6 18",
};

export function Glyph({ name, path }) {
  return (
    <svg className="icon icon-sm" viewBox="0 0 24 24" fill="none" stroke="currentColor" strokeWidth="1.75" strokeLinecap="round" strokeLinejoin="round" aria-hidden="true">
      <path d={path ?? PATHS[name]} />
    </svg>
  );
}
