import { useSignal } from '@preact/signals';
import type { RefObject } from 'preact';
import { useEffect, useRef } from 'preact/hooks';
import { loadDevice, type Device } from '../data/device-registry.ts';
import { Unavailable } from '../data/http.ts';
import { Icon } from '../shell/icons.tsx';
import { follow } from '../shell/links.ts';
import { go, link, now } from '../state.ts';
import { AboutCard } from './about-card.tsx';
import type { CardProps } from './card.tsx';
import { DownlinksCard } from './downlinks-card.tsx';
import { HardwareCard } from './hardware-card.tsx';
import { MaintenanceCard } from './maintenance-card.tsx';
import { Heard, Problems, StateMark } from './marks.tsx';
import { PhotoCard } from './photo-card.tsx';
import { PlaceCard } from './place-card.tsx';
import { ProblemsCard } from './problems-card.tsx';
import { profileName, trouble, troubleOf } from './registry.ts';
import { StateCard } from './state-card.tsx';
import { TechnicalCard } from './technical-card.tsx';
import { ValuesCard } from './values-card.tsx';
import { words } from './words.ts';

const refreshedEvery = 15_000;

/** One device with all that is known of it, and all that can be done to it. */
export function DevicePage({ id }: { id: string }) {
  const w = words.value;
  const device = useSignal<Device | 'missing' | 'failed' | null>(null);
  const heading = useRef<HTMLHeadingElement>(null);
  const leaving = useRef(new AbortController());

  async function read(): Promise<void> {
    try {
      device.value = await loadDevice(id, leaving.current.signal);
    } catch (fault) {
      if (leaving.current.signal.aborted) return;
      const what = troubleOf(fault);
      if (what !== 'failed') trouble.value = what;
      else if (fault instanceof Unavailable && fault.status === 404) device.value = 'missing';
      else if (device.value === null) device.value = 'failed';
    }
  }

  useEffect(() => {
    void read();
    const timer = setInterval(() => { if (!document.hidden) { now.value = Date.now(); void read(); } }, refreshedEvery);
    return () => { clearInterval(timer); leaving.current.abort(); };
  }, []);
  const known = typeof device.value === 'object' && device.value !== null ? device.value : null;
  useEffect(() => { if (known) heading.current?.focus({ preventScroll: true }); }, [known !== null]);
  useEffect(() => {
    if (!known) return undefined;
    const before = document.title;
    document.title = `${known.name} · ${before}`;
    return () => { document.title = before; };
  }, [known?.name]);

  return (
    <>
      <p class="back"><a href={link({ device: null })} onClick={event => follow(event, () => go({ device: null }))}><Icon sign="left" /> {w.back}</a></p>
      {known ? <Cards device={known} changed={read} heading={heading} />
        : (
          <>
            <h1 id="devices-title" class={device.value === null ? 'unseen' : 'device-missing'}>{device.value === 'missing' ? w.missing : device.value === 'failed' ? w.failed : w.title}</h1>
            {device.value === null && <p class="notice" role="status">{w.loading}</p>}
            {device.value === 'failed' && <button type="button" onClick={() => void read()}>{w.retry}</button>}
          </>
        )}
    </>
  );
}

/** In the order of somebody at the lamp post; beside each other where there is room. */
function Cards({ device, changed, heading }: CardProps & { heading: RefObject<HTMLHeadingElement | null> }) {
  const props = { device, changed };
  return (
    <article class="device-page">
      <header class="device-head">
        <h1 id="devices-title" ref={heading} tabIndex={-1}>{device.name}</h1>
        <p class="device-line"><StateMark state={device.state} /><Problems device={device} /><span>{words.value.lastSeen}: <Heard at={device.lastSeen?.at} /></span></p>
        <p class="more">{[profileName(device.profile), device.group, device.department].filter(Boolean).join(' · ')}</p>
      </header>
      <div class="parts">
        <div class="parts-main">
          <ProblemsCard {...props} />
          <StateCard {...props} />
          <MaintenanceCard {...props} />
        </div>
        <div class="parts-side">
          <PhotoCard {...props} />
          <PlaceCard {...props} />
          <AboutCard {...props} />
        </div>
        <div class="parts-more">
          <ValuesCard {...props} />
          <TechnicalCard {...props} />
          <DownlinksCard {...props} />
          <HardwareCard {...props} />
        </div>
      </div>
    </article>
  );
}
