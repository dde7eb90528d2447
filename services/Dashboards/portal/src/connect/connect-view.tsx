import { useEffect, useRef } from 'preact/hooks';
import { hasAccess } from '../data/access-key.ts';
import { loadUnknown } from '../data/devices.ts';
import { SignIn } from '../forms/sign-in.tsx';
import { ArrivalStep } from './arrival-step.tsx';
import { Connected } from './connected.tsx';
import { DoorStep } from './door-step.tsx';
import { connected, doorIsOpen, goBackTo, kind, network, sender, step, steps, type Step } from './guide.ts';
import { KindStep } from './kind-step.tsx';
import { NetworkStep } from './network-step.tsx';
import { PlaceStep } from './place-step.tsx';
import { words } from './words.ts';
import '../styles/forms.css';
import '../styles/connect.css';

/** From the box to the map in five minutes: a guide for those who are no programmers. */
export function ConnectView() {
  const w = words.value;
  return (
    <section class="connect form-page" aria-labelledby="connect-title">
      <h1 id="connect-title">{w.title}</h1>
      <p class="intro">{w.intro}</p>
      {!hasAccess() ? <SignIn intro={w.signInIntro} mayNot={w.keyMayNot} check={loadUnknown} /> : connected.value ? <Connected device={connected.value} /> : <Steps />}
    </section>
  );
}

function Steps() {
  const w = words.value;
  const current = steps.indexOf(step.value);
  const titles: Record<Step, string> = { network: w.networkTitle, door: w.doorTitle, arrival: w.arrivalTitle, kind: w.kindTitle, place: w.placeTitle };
  const said: Record<Step, string | undefined> = {
    network: network.value ? w.networks[network.value].name : undefined,
    door: doorIsOpen.value ? w.doorDone : undefined,
    arrival: sender.value?.deviceId ?? sender.value?.name,
    kind: kind.value?.name,
    place: undefined,
  };
  return (
    <ol class="steps">
      {steps.map((name, index) => (
        <li key={name} class="step" data-state={index < current ? 'done' : index === current ? 'now' : 'later'} aria-current={index === current ? 'step' : undefined}>
          <StepHead title={titles[name]} number={index + 1} said={index < current ? said[name] : undefined} isNow={index === current} change={() => goBackTo(name)} />
          {index === current && <div class="step-body"><Body step={name} /></div>}
        </li>
      ))}
    </ol>
  );
}

interface HeadProps { title: string; number: number; said: string | undefined; isNow: boolean; change: () => void }

function StepHead({ title, number, said, isNow, change }: HeadProps) {
  const w = words.value;
  const heading = useRef<HTMLHeadingElement>(null);
  // Who does not see the page hears where they are now; the first step is where they came from.
  useEffect(() => { if (isNow && number > 1) { heading.current?.focus(); heading.current?.scrollIntoView({ block: 'nearest' }); } }, [isNow]);
  return (
    <div class="step-head">
      <span class="step-number" aria-hidden="true">{number}</span>
      <div>
        <h2 ref={heading} tabIndex={-1}><span class="unseen">{`${w.step(number, steps.length)}: `}</span>{title}</h2>
        {said && <p class="step-said">{said}</p>}
      </div>
      {said && <button type="button" aria-label={`${title}: ${w.change}`} onClick={change}>{w.change}</button>}
    </div>
  );
}

function Body({ step }: { step: Step }) {
  switch (step) {
    case 'network': return <NetworkStep />;
    case 'door': return <DoorStep />;
    case 'arrival': return <ArrivalStep />;
    case 'kind': return <KindStep />;
    case 'place': return <PlaceStep />;
  }
}
