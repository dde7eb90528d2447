using Allmende.Simulator.Sensors;
using Allmende.Simulator.World;

namespace Allmende.Simulator.LoRaWan;

/// <summary>All messages of the town in the order of time, from any moment on, as the network server gets to see them.</summary>
sealed class Schedule(IReadOnlyList<Sensor> sensors, Radio radio, Noise noise)
{
    const double DuplicateShare = 0.003;

    /// <summary>The messages from a time on, without end. What the radio lost is missing; what the network delivered twice is there twice.</summary>
    public IEnumerable<Transmission> From(DateTime from)
    {
        var queue = new PriorityQueue<Voice, (DateTime, int)>(sensors.Count);
        for (var i = 0; i < sensors.Count; i++)
        {
            var voice = new Voice(i, sensors[i], noise.Of(sensors[i].Id), radio, from);
            queue.Enqueue(voice, (voice.Next, i));
        }
        while (queue.TryDequeue(out var voice, out _))
        {
            if (voice.Speak() is { } sent)
            {
                yield return sent;
                if (voice.Draws.Of("duplicate").Uniform(sent.Counter) < DuplicateShare)
                    yield return sent;
            }
            queue.Enqueue(voice, (voice.Next, voice.Number));
        }
    }

    /// <summary>One message of each sensor in turn, each as of now, without end: for load.</summary>
    public IEnumerable<Transmission> Round(Func<DateTime> now)
    {
        var voices = sensors.Select((sensor, i) => new Voice(i, sensor, noise.Of(sensor.Id), radio, now())).ToList();
        while (voices.Count > 0)
            foreach (var voice in voices)
                yield return voice.Speak(now());
    }

    /// <summary>A sensor's radio: what it sends next, and its frame counter, which starts anew when it joins, once a month.</summary>
    sealed class Voice
    {
        readonly Sensor sensor;
        readonly Radio radio;
        readonly Failures failures;
        readonly int spreadingFactor;
        readonly int joinDay;
        readonly IEnumerator<DateTime> times;
        uint counter;

        public Voice(int number, Sensor sensor, Noise draws, Radio radio, DateTime from)
        {
            (Number, this.sensor, Draws, this.radio) = (number, sensor, draws, radio);
            failures = new Failures(draws.Of("failures"));
            spreadingFactor = radio.SpreadingFactor(sensor.Spot, draws);
            joinDay = 1 + draws.Of("join").Choice(0, 28);
            var today = DateOnly.FromDateTime(from);
            var joined = today;
            while (joined.Day != joinDay)
                joined = joined.AddDays(-1);
            times = Times(joined).GetEnumerator();
            while (times.MoveNext() && times.Current < from)
                Count();
        }

        public int Number { get; }

        public Noise Draws { get; }

        public DateTime Next => times.Current;

        /// <summary>Sends the next message; null when nobody hears it.</summary>
        public Transmission? Speak()
        {
            var time = times.Current;
            var sent = failures.IsSilent(time) ? null : Message(time);
            Count();
            times.MoveNext();
            return sent is { Receptions.Count: 0 } && !sensor.PostsItself ? null : sent;
        }

        /// <summary>Sends a message now, which somebody hears.</summary>
        public Transmission Speak(DateTime time)
        {
            var sent = Message(time);
            counter++;
            return sent.Receptions.Count > 0 ? sent : sent with { Receptions = radio.Receive(sensor.Spot, 12, Draws, 0) };
        }

        Transmission Message(DateTime time)
        {
            var condition = failures.At(time);
            return new Transmission(
                sensor, time, condition.ClockError, counter, sensor.Measure(failures.MeasuredAt(time), condition),
                spreadingFactor, radio.Receive(sensor.Spot, spreadingFactor, Draws, counter + time.Year * 100_000_000L + time.Month * 1_000_000L));
        }

        void Count()
        {
            if (failures.IsSilent(times.Current))
                return;
            counter++;
        }

        IEnumerable<DateTime> Times(DateOnly joined)
        {
            for (var day = joined; ; day = day.AddDays(1))
            {
                if (day.Day == joinDay)
                    counter = 0;
                foreach (var time in sensor.SendTimes(day))
                    yield return time;
            }
        }
    }
}
