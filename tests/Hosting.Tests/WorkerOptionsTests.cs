using Microsoft.Extensions.Configuration;
using Shouldly;
using Xunit;

namespace SelfRewarding.Hosting.Tests;

public sealed class WorkerOptionsTests
{
    [Fact]
    public void Everything_that_is_wrong_is_said_at_once()
    {
        var error = Should.Throw<WorkerOptionsException>(() => From(("SELFREWARD_RABBITMQ", "http://x"), ("SELFREWARD_SLOTS", "no")));
        error.Message.ShouldContain("SELFREWARD_POSTGRES is not set");
        error.Message.ShouldContain("SELFREWARD_RABBITMQ is no broker address");
        error.Message.ShouldContain("SELFREWARD_SLOTS is 'no'");
    }

    [Fact]
    public void What_is_left_blank_is_not_given()
    {
        var options = From(
            ("SELFREWARD_POSTGRES", "Host=x"), ("SELFREWARD_RABBITMQ", "amqp://x"), ("SELFREWARD_DATA", ""), ("SELFREWARD_SLOTS", " "), ("SELFREWARD_PREFETCH", ""), ("SELFREWARD_HEALTH_FILE", ""));
        Path.GetFileName(options.Data).ShouldBe("data");
        options.Slots.ShouldBe(WorkerOptions.DefaultSlots);
        options.Prefetch.ShouldBeNull();
        options.HealthFile.ShouldBeNull();
    }

    [Theory]
    [InlineData("", "cpu")]
    [InlineData("cpu", "cpu")]
    [InlineData("cuda", "cuda")]
    [InlineData("cuda:1", "cuda:1")]
    public void A_worker_computes_on_the_CPU_unless_told_otherwise(string given, string device) => At(given).Device.ShouldBe(device);

    [Theory]
    [InlineData("gpu")]
    [InlineData("cuda:")]
    [InlineData("cuda:01")]
    [InlineData("cuda:-1")]
    [InlineData("CUDA")]
    [InlineData("cuda\n")]
    public void A_device_that_is_none_is_refused_in_one_sentence(string given)
    {
        var sentence = $"SELFREWARD_DEVICE is '{given}', expected cpu, cuda, or cuda:1 for the second GPU.";
        Should.Throw<WorkerOptionsException>(() => At(given)).Message.ShouldBe(sentence);
        var alone = new ConfigurationBuilder().AddInMemoryCollection([KeyValuePair.Create("SELFREWARD_DEVICE", (string?)given)]).Build();
        Should.Throw<WorkerOptionsException>(() => WorkerOptions.DeviceOf(alone)).Message.ShouldBe(sentence);
    }

    [Fact]
    public void A_password_in_a_wrong_address_is_not_repeated() =>
        Should.Throw<WorkerOptionsException>(() => From(("SELFREWARD_POSTGRES", "Host=x"), ("SELFREWARD_RABBITMQ", "http://u:secret@x"))).Message.ShouldNotContain("secret");

    [Fact]
    public void A_path_from_a_message_stays_in_the_data_folder()
    {
        var options = new WorkerOptions { Data = "/srv/data", Postgres = "" };
        options.Locate("runs/r/models/M1").ShouldBe("/srv/data/runs/r/models/M1");
        foreach (var path in (string[])["../elsewhere", "/etc/passwd", "runs/../../data2/x", ".."])
            Should.Throw<InvalidDataException>(() => options.Locate(path)).Message.ShouldContain("leads out of the data folder");
    }

    [Fact]
    public void Over_a_broker_a_worker_takes_what_fills_its_slots_and_in_one_process_twice_as_much()
    {
        var alone = new WorkerOptions { Data = "/srv/data", Postgres = "", Slots = 8 };
        var among = alone with { RabbitMq = "amqp://x/" };
        (among.MessagesAtOnce(4), among.MessagesAtOnce(12)).ShouldBe((2, 1));
        alone.MessagesAtOnce(4).ShouldBe(4);
        (among with { Prefetch = 5 }).MessagesAtOnce(4).ShouldBe(5);
    }

    private static WorkerOptions At(string device) => From(("SELFREWARD_POSTGRES", "Host=x"), ("SELFREWARD_RABBITMQ", "amqp://u:p@x/"), ("SELFREWARD_DEVICE", device));

    private static WorkerOptions From(params (string Key, string Value)[] settings) =>
        WorkerOptions.From(new ConfigurationBuilder().AddInMemoryCollection(settings.Select(s => KeyValuePair.Create(s.Key, (string?)s.Value))).Build());
}
