import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.apache.avro.AvroRemoteException;
import org.apache.avro.Protocol;
import org.apache.avro.Schema;
import org.apache.avro.generic.GenericData;
import org.apache.avro.generic.GenericRecord;
import org.apache.avro.ipc.generic.GenericResponder;
import org.apache.avro.ipc.jetty.HttpServer;

/**
 * A server by Avro's own Java implementation, with made-up answers. Argument: the protocol's file. Its port is the first
 * line of standard output; it ends with its standard input.
 */
public final class ServeIndex {
  public static void main(String[] arguments) throws Exception {
    Protocol protocol = Protocol.parse(Files.readString(Path.of(arguments[0])));
    HttpServer server = new HttpServer(new GenericResponder(protocol) {
      @Override
      public Object respond(Protocol.Message message, Object request) throws Exception {
        return answer(protocol, message.getName(), (GenericRecord) request);
      }
    }, "127.0.0.1", 0);
    server.start();
    System.out.println(server.getPort());
    System.in.readAllBytes();
    server.close();
    System.exit(0);
  }

  private static Object answer(Protocol protocol, String message, GenericRecord request) throws AvroRemoteException {
    switch (message) {
      case "stats": {
        GenericRecord stats = record(protocol, "Stats");
        for (String name : List.of("pages", "phrases", "postings", "rejected")) {
          stats.put(name, name.length() + 1_000_000_000_000L);
        }
        stats.put("runs", 1);
        stats.put("digest", "größer");
        return stats;
      }
      case "suggest": {
        GenericData.Array<GenericRecord> all = new GenericData.Array<>(2000, protocol.getMessages().get(message).getResponse());
        for (int number = 0; number < 2000; number++) {
          GenericRecord suggestion = record(protocol, "Suggestion");
          suggestion.put("phrase", request.get("prefix") + " " + number);
          suggestion.put("pages", (long) -number);
          all.add(suggestion);
        }
        return all;
      }
      case "pages": {
        GenericRecord error = record(protocol, "BadRequest");
        error.put("message", "limit was " + request.get("limit"));
        error.put("parameter", request.get("phrase"));
        throw new AvroRemoteException(error);
      }
      default:
        throw new IllegalStateException("no " + request.get("url"));
    }
  }

  private static GenericRecord record(Protocol protocol, String name) {
    Schema schema = protocol.getType(protocol.getNamespace() + "." + name);
    GenericRecord record = new GenericData.Record(schema);
    for (Schema.Field field : schema.getFields()) {
      if (field.hasDefaultValue()) {
        record.put(field.pos(), GenericData.get().getDefaultValue(field));
      }
    }
    return record;
  }
}
