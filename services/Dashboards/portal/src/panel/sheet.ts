import type { RefObject } from 'preact';
import { useEffect, useState } from 'preact/hooks';

type Size = 'half' | 'full';

/** The handle of the bottom sheet: a tap or the keyboard changes between half and full height, so does a pull. */
export function useSheet(sheet: RefObject<HTMLElement | null>, open: boolean) {
  const [size, setSize] = useState<Size>('half');
  useEffect(() => { if (!open) setSize('half'); }, [open]);
  useEffect(() => { if (sheet.current) sheet.current.dataset['size'] = size; });

  return {
    'aria-expanded': size === 'full',
    onClick: () => setSize(size === 'half' ? 'full' : 'half'),
    onPointerDown: (start: PointerEvent) => {
      const element = sheet.current!;
      const grip = start.currentTarget as HTMLElement;
      const before = element.offsetHeight;
      let pulled = 0;
      grip.setPointerCapture(start.pointerId);
      const move = (event: PointerEvent) => {
        pulled = start.clientY - event.clientY;
        element.style.height = `${before + pulled}px`;
      };
      const release = () => {
        grip.removeEventListener('pointermove', move);
        element.style.height = '';
        if (Math.abs(pulled) < 24) return;
        setSize(pulled > 0 ? 'full' : 'half');
        // The click that ends a pull is none.
        grip.addEventListener('click', event => event.stopImmediatePropagation(), { once: true, capture: true });
      };
      grip.addEventListener('pointermove', move);
      grip.addEventListener('pointerup', release, { once: true });
      grip.addEventListener('pointercancel', release, { once: true });
    },
  };
}
