import { useSignal } from '@preact/signals';
import { useEffect } from 'preact/hooks';
import { loadPhoto, putPhoto, removePhoto } from '../data/device-registry.ts';
import { Icon } from '../shell/icons.tsx';
import { Card, type CardProps } from './card.tsx';
import { mayManage } from './registry.ts';
import { useTask, Whole } from './task.tsx';
import { words } from './words.ts';

/** The longer side of a photo that is kept: enough to see the mast, little enough for the platform's 2 MB. */
const longestSide = 1600;

/**
 * The picture as it is kept: smaller, upright, and without what a camera writes along, above all where it was taken.
 * Throws where the file is no picture.
 */
async function smaller(file: Blob): Promise<Blob> {
  const picture = await createImageBitmap(file);
  const scale = Math.min(1, longestSide / Math.max(picture.width, picture.height));
  const canvas = document.createElement('canvas');
  [canvas.width, canvas.height] = [Math.round(picture.width * scale), Math.round(picture.height * scale)];
  canvas.getContext('2d')!.drawImage(picture, 0, 0, canvas.width, canvas.height);
  picture.close();
  return new Promise((resolve, reject) => canvas.toBlob(blob => (blob ? resolve(blob) : reject(new Error('no picture'))), 'image/jpeg', 0.85));
}

/** The photo of the device where it hangs. */
export function PhotoCard({ device, changed }: CardProps) {
  const w = words.value;
  const address = useSignal<string | 'failed' | null>(null);
  const version = useSignal(0);
  const sure = useSignal(false);
  const task = useTask();
  const hasPhoto = device.photo !== undefined;

  useEffect(() => {
    if (!hasPhoto) { address.value = null; return; }
    const leaving = new AbortController();
    let made: string | null = null;
    loadPhoto(device.id, leaving.signal)
      .then(photo => { address.value = made = URL.createObjectURL(photo); })
      .catch(() => { if (!leaving.signal.aborted) address.value = 'failed'; });
    return () => { leaving.abort(); if (made) URL.revokeObjectURL(made); };
  }, [hasPhoto, version.value]);

  async function take(input: HTMLInputElement): Promise<void> {
    const file = input.files?.[0];
    input.value = '';
    if (!file) return;
    let photo: Blob;
    try { photo = await smaller(file); } catch { task.fail({ whole: w.photoBroken, fields: {} }); return; }
    if (!(await task.run(() => putPhoto(device.id, photo)))) return;
    version.value++;
    await changed();
  }

  async function remove(): Promise<void> {
    if (await task.run(() => removePhoto(device.id))) { sure.value = false; await changed(); }
  }

  return (
    <Card name="photo" title={w.photoTitle}>
      <div class="photo" data-empty={!hasPhoto || undefined}>
        {!hasPhoto ? <p class="more">{w.noPhoto}</p>
          : address.value === 'failed' ? <p class="fault" role="alert">{w.photoFailed}</p>
          : address.value && <img src={address.value} alt={w.photoOf(device.name)} />}
      </div>
      {mayManage.value && (
        <div class="step-actions">
          <FileButton id="take-photo" title={w.takePhoto} capture take={take} busy={task.busy} />
          <FileButton id="choose-photo" title={task.busy ? w.saving : w.choosePhoto} take={take} busy={task.busy} />
          {hasPhoto && !sure.value && <button type="button" class="quiet" onClick={() => { sure.value = true; }}>{w.removePhoto}</button>}
        </div>
      )}
      {sure.value && (
        <div class="part-form">
          <p>{w.photoRemoveSure}</p>
          <p class="step-actions">
            <button type="button" class="danger" disabled={task.busy} onClick={() => void remove()}>{w.removePhoto}</button>
            <button type="button" onClick={() => { sure.value = false; }}>{w.cancel}</button>
          </p>
        </div>
      )}
      <Whole faults={task.faults} />
    </Card>
  );
}

interface FileButtonProps { id: string; title: string; capture?: boolean; busy: boolean; take(input: HTMLInputElement): Promise<void> }

/** A file input that looks like a button; with `capture` a phone opens its camera, and who has none does not see it. */
function FileButton({ id, title, capture, busy, take }: FileButtonProps) {
  return (
    <span class={capture ? 'file-button only-touch' : 'file-button'}>
      <input id={id} type="file" accept="image/jpeg,image/png,image/webp" disabled={busy} {...(capture && { capture: 'environment' as const })}
        onChange={event => void take(event.currentTarget)} />
      <label for={id}>{capture && <Icon sign="camera" />} {title}</label>
    </span>
  );
}
