using Allmende.Log.Tests;

// Started by the tests as a process that may be killed; the test runner itself does not come this way.
return await ChildMember.RunAsync(args);
