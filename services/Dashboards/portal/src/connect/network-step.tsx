import { network, networks } from './guide.ts';
import { words } from './words.ts';

export function NetworkStep() {
  const w = words.value;
  return (
    <>
      <p>{w.networkHint}</p>
      <ul class="options">
        {networks.map(name => (
          <li key={name}>
            <button type="button" class="option" onClick={() => { network.value = name; }}>
              <strong>{w.networks[name].name}</strong>
              <span>{w.networks[name].about}</span>
            </button>
          </li>
        ))}
      </ul>
    </>
  );
}
