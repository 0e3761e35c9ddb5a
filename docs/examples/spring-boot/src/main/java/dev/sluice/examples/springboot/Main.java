package dev.sluice.examples.springboot;

import org.springframework.boot.CommandLineRunner;
import org.springframework.boot.SpringApplication;
import org.springframework.boot.autoconfigure.SpringBootApplication;
import org.springframework.context.annotation.Bean;
import org.springframework.jdbc.core.JdbcTemplate;

/**
 * Prints the revenue of a river lock. The data source is made of {@code application.properties}
 * alone.
 */
@SpringBootApplication
public class Main {

  /** Made by Spring. */
  public Main() {}

  public static void main(String[] args) {
    SpringApplication.run(Main.class, args).close();
  }

  @Bean
  CommandLineRunner printRevenue(JdbcTemplate lock) {
    return args -> {
      // In the same query: another one might read a later TXID.
      lock.query(
          "SELECT kind, passages, eur, litestream_txid() FROM revenue",
          row -> {
            System.out.println(
                row.getString(1)
                    + "|"
                    + row.getInt(2)
                    + "|"
                    + row.getDouble(3)
                    + "|"
                    + row.getString(4));
          });
    };
  }
}
